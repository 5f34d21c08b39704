// The page's entry: the words first, so that nothing is shown in two languages.
import { render } from "preact";
import { App } from "./app";
import "./page.css";
import { startLanguage } from "./language";

void startLanguage().finally(() => {
  const place = document.getElementById("page");
  if (!place) return;
  place.textContent = "";
  render(<App />, place);
});
