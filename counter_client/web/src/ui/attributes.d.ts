/** Attributes that every component passes on to its element. */
export {};

declare module "vue" {
  interface ComponentCustomProps {
    id?: string;
    title?: string;
  }
}
