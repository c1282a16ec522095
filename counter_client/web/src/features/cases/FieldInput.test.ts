import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { reactive } from "vue";
import { ApiError } from "@/api/errors";
import type { Field, ItemField } from "@/api/shapes";
import { useDesk } from "@/stores/desk";
import { sayHint } from "@/ui/say";
import FieldInput from "./FieldInput.vue";

vi.mock("@/stores/desk", () => ({ useDesk: vi.fn() }));
vi.mock("@/ui/say", () => ({ sayHint: vi.fn() }));

const FIELD = { name: "bank_account", label: "收款账号", type: "text", side: "local", max_length: 30 } as ItemField;
const VALUE = { name: "bank_account", value: "", masked: false, version: 1, by: null, at: null } as Field;
const saveField = vi.fn(async (_id: string, _name: string, value: string, version: number) => ({
  ...VALUE, value, version: version + 1,
}));
const desk = reactive({ shown: { id: "first" }, editors: {}, saveField, sayEditing: vi.fn() });

beforeEach(() => {
  setActivePinia(createPinia());
  vi.mocked(useDesk).mockReturnValue(desk as never);
  vi.mocked(sayHint).mockClear();
  saveField.mockClear();
  desk.shown = { id: "first" };
});
enableAutoUnmount(afterEach);

/** Type into the field of the first case, and have another one come onto the desk meanwhile. */
async function overtaken(editable = true) {
  const input = mount(FieldInput, { props: { field: FIELD, value: VALUE, whole: "", editable } });
  await input.get("input").setValue("6222");
  desk.shown = { id: "second" };
  input.unmount();
  await flushPromises();
}

test("what was typed last is saved into its own case, though another one lies on the desk", async () => {
  await overtaken();
  expect(saveField).toHaveBeenCalledExactlyOnceWith("first", "bank_account", "6222", 1);
  expect(sayHint).not.toHaveBeenCalled();
});

test("what could not be saved any more is not lost without a word", async () => {
  saveField.mockRejectedValueOnce(new ApiError("login.expired", 401));
  await overtaken();
  expect(sayHint).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("“收款账号”里填写的内容没有保存。"));
});
