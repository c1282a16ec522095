/** Whether a dialog lies over the page: keys that act on what is beneath it then do nothing. */
export function isDialogOpen(): boolean {
  const dialogs = [...document.querySelectorAll('[aria-modal="true"]')];
  return dialogs.some((one) => one.checkVisibility());
}
