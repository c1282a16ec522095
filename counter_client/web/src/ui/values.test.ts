import { expect, it } from "vitest";
import { creditCodeFault, idNumberFault, phoneFault, textFault } from "./values";

const today = new Date("2026-11-23T00:00:00Z");

it.each([
  ["341522196001010000", null],
  ["３４１５２２１９６００１０１００００", null],
  ["341522 19600101\u30000000", null],
  ["341522196001010001", "id_number.bad_check_digit"],
  ["341522196002300007", "id_number.bad_date"],
  ["341522203001010000", "id_number.bad_date"],
  ["34152219600101000", "id_number.malformed"],
  ["34152219600101000a", "id_number.malformed"],
])("finds the fault of the ID number %s", (number, fault) => {
  expect(idNumberFault(number, today)).toBe(fault);
});

it("takes a small x for the check character", () => {
  const body = "34152219600101";
  const found = Array.from({ length: 1000 }, (_, i) => `${body}${String(i).padStart(3, "0")}x`);
  expect(found.some((number) => idNumberFault(number, today) === null)).toBe(true);
});

it.each([
  ["91350100M000100Y43", null],
  ["91350100m000100y43", null],
  ["91350100 M000100Y4 3", null],
  ["91350100M000100Y44", "credit_code.bad_check_digit"],
  ["91350100M000100I43", "credit_code.malformed"],
])("finds the fault of the credit code %s", (code, fault) => {
  expect(creditCodeFault(code)).toBe(fault);
});

it.each([
  ["13800000000", null],
  ["+86 138 0000 0000", null],
  ["0512-63000000", null],
  ["+86 512 63000000", null],
  ["12345", "phone.malformed"],
  ["23800000000", "phone.malformed"],
])("finds the fault of the telephone number %s", (number, fault) => {
  expect(phoneFault(number)).toBe(fault);
});

it("refuses what is empty, too long or cannot be seen", () => {
  expect(textFault(" ", 5)).toBe("text.empty");
  expect(textFault("一二三四五六", 5)).toBe("text.too_long");
  expect(textFault("一\u0007二", 5)).toBe("text.bad_characters");
  expect(textFault("𠀀𠀁", 2)).toBeNull();
});
