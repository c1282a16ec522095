import { createPinia } from "pinia";
import { createApp } from "vue";
// These are called from code and so are not seen by the resolver.
import "element-plus/es/components/base/style/css";
import "element-plus/es/components/loading/style/css";
import "element-plus/es/components/message/style/css";
import "element-plus/es/components/message-box/style/css";
import "element-plus/es/components/notification/style/css";
import "./ui/theme.css";
import App from "./App.vue";
import { guardStaffPages } from "./features/staff/session";
import { router } from "./router";
import { followUpgrades } from "./upgrade";

const app = createApp(App).use(createPinia());
guardStaffPages(router);
followUpgrades(router);
app.use(router).mount("#app");
