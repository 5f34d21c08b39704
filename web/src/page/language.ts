// The reader's language: what was chosen on this machine, else the browser's.
import { setWords } from "../words";

export type Language = "en" | "zh";

const key = "pellucid.language";
const address = "/words/zh.json";

let current: Language = "en";

export const language = (): Language => current;

function preferred(): Language {
  const kept = localStorage.getItem(key);
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

async function use(wanted: Language): Promise<void> {
  const response = wanted === "zh" ? await fetch(address) : null;
  // Without its table the page is English rather than nothing.
  current = response && !response.ok ? "en" : wanted;
  setWords(response?.ok ? ((await response.json()) as Record<string, string>) : {});
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
}

export const startLanguage = (): Promise<void> => use(preferred());

export async function chooseLanguage(wanted: Language): Promise<void> {
  localStorage.setItem(key, wanted);
  await use(wanted);
}
