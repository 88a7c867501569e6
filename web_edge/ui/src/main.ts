import { mount } from "svelte";
import App from "./App.svelte";
import "./app.css";
import { rememberedTheme, useTheme } from "./lib/theme";
import "./print.css";

useTheme(rememberedTheme(localStorage), localStorage, document.documentElement);
const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");
mount(App, { target });
