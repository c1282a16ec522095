import { mount } from "@vue/test-utils";
import { expect, test } from "vitest";
import PaperDialog from "./PaperDialog.vue";

test("a paper is printed only once it is there: before that the page would be an empty one", async () => {
  const file = new Blob(["%PDF-"], { type: "application/pdf" });
  const dialog = mount(PaperDialog, {
    props: { title: "证明", file, printable: true },
    global: { stubs: { ElDialog: { template: "<div><slot /><slot name='footer' /></div>" } } },
  });
  const button = () => dialog.get('[data-testid="certificate-print"]');
  expect(button().attributes()).toHaveProperty("disabled");
  await dialog.get("iframe").trigger("load");
  expect(button().attributes()).not.toHaveProperty("disabled");
});
