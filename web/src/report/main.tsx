// The report's entry: reads the JSON that the engine put into this file, decodes its exhibits one after another, and
// shows what is there. Nothing is loaded, and every text of the document goes through text nodes.
import "../base.css";
import "./report.css";
import { render } from "preact";
import { exhibitFromReport, type Report } from "../answer/report";
import { say, setWords } from "../words";
import { type Decoded, ReportView } from "./report_view";

async function show(root: HTMLElement, report: Report): Promise<void> {
  const decoded: Decoded[] = report.exhibits.map(() => ({ state: "waiting" }));
  let printing = false;
  const draw = (): void => render(<ReportView report={report} exhibits={[...decoded]} printing={printing} />, root);
  draw();
  // Paper has no switches: everything is laid out for it.
  window.addEventListener("beforeprint", () => {
    printing = true;
    draw();
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    draw();
  });
  for (const [i, packed] of report.exhibits.entries()) {
    try {
      decoded[i] = { state: "ready", exhibit: await exhibitFromReport(report, packed) };
    } catch (error) {
      decoded[i] = { state: "damaged", words: error instanceof Error ? error.message : String(error) };
    }
    draw();
  }
  root.dataset["ready"] = "yes";
}

const root = document.getElementById("report");
const data = document.getElementById("pellucid-report");
if (root !== null) {
  try {
    const report = JSON.parse(data?.textContent ?? "") as Report;
    setWords(report.words);
    document.documentElement.lang = report.language === "zh" ? "zh-CN" : "en";
    document.title ||= `Pellucid ${report.operation.name}`;
    void show(root, report);
  } catch {
    root.textContent = say("This file holds no report of Pellucid, or only a part of one.");
  }
}
