/** Every screen's path; each page is loaded when it is first needed. */
import type { Component } from "vue";
import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";

declare module "vue-router" {
  interface RouteMeta {
    /** The tab's title. */
    title: string;
    /** Staff pages go to the sign-in first. */
    staff?: boolean;
  }
}

// Each page becomes a file of its own.
const pages = import.meta.glob<Component>("./pages/*.vue", { import: "default" });
const page = (name: string) => pages[`./pages/${name}.vue`] ?? pages["./pages/MissingPage.vue"]!;

const routes: RouteRecordRaw[] = [
  {
    path: "/",
    component: page("WorkbenchPage"),
    meta: { title: "工作台", staff: true },
  },
  { path: "/login", component: page("LoginPage"), meta: { title: "登录" } },
  {
    path: "/board",
    component: page("BoardPage"),
    meta: { title: "值班看板", staff: true },
  },
  {
    path: "/recordings",
    component: page("RecordingsPage"),
    meta: { title: "录音录像", staff: true },
  },
  {
    path: "/recordings/:call([0-9a-f]{32})",
    component: page("RecordingPage"),
    meta: { title: "录音录像回放", staff: true },
  },
  {
    path: "/register",
    component: page("RegisterPage"),
    meta: { title: "证明登记簿", staff: true },
  },
  {
    path: "/facing/:counter?",
    component: page("FacingPage"),
    meta: { title: "跨域通办窗口" },
  },
  { path: "/c", component: page("PickupPage"), meta: { title: "我的办件" } },
  {
    path: "/verify",
    component: page("VerifyPage"),
    meta: { title: "证明核验" },
  },
  {
    path: "/v/:number",
    component: page("VerifyPage"),
    meta: { title: "证明核验" },
  },
  {
    path: "/:rest(.*)*",
    component: page("MissingPage"),
    meta: { title: "没有这个页面" },
  },
];

export const router = createRouter({ history: createWebHistory(), routes });

router.afterEach((to) => {
  document.title = `${to.meta.title} · 跨域通办`;
});
