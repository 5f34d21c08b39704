// Numbers as people read them. `number` and `Numbers` equal the engine's (pellucid/base/text.cpp,
// pellucid/render/heading.cpp), so that a picture and the page show the same digits.

/** With the given significant digits, without trailing zeros: "0.00123". */
export function number(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (value === 0) return "0";
  const [mantissa = "", power = "0"] = value.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  const trimmed = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent >= -4 && exponent < digits) return trimmed(value.toFixed(Math.max(digits - 1 - exponent, 0)));
  const sign = exponent < 0 ? "-" : "+";
  return `${trimmed(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** The shortest decimal that is this float32 again; of rounded scores (`step` > 0) the digits that mean something. */
export function exact(value: number, step = 0): string {
  if (!Number.isFinite(value)) return number(value);
  if (step > 0 && value !== 0) {
    const digits = Math.floor(Math.log10(Math.abs(value))) - Math.floor(Math.log10(step)) + 1;
    return minus(number(value, Math.min(Math.max(digits, 1), 9)));
  }
  for (let digits = 1; digits < 9; ++digits) {
    const text = number(value, digits);
    if (Math.fround(Number(text)) === Math.fround(value)) return minus(text);
  }
  return minus(number(value, 9));
}

/** With a minus sign instead of a hyphen. */
export function minus(text: string): string {
  return text.replace(/^-/, "\u2212");
}

const superscripts = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";

/** How the numbers of one scale are written: three digits at its end, one power of ten for all. */
export interface Numbers {
  decimals: number;
  exponent: number; // 0: none
}

export function numbersFor(largest: number): Numbers {
  if (!(largest > 0) || !Number.isFinite(largest)) return { decimals: 2, exponent: 0 };
  // 9.996 is shown as 10.0: the power is that of the rounded number.
  let power = Math.floor(Math.log10(largest));
  if (largest / 10 ** power >= 9.995) ++power;
  const exponent = power < -2 || power > 4 ? power : 0;
  return { decimals: Math.max(2 - (exponent === 0 ? power : 0), 0), exponent };
}

export function numberText(numbers: Numbers, value: number): string {
  const text = Math.abs(value / 10 ** numbers.exponent).toFixed(numbers.decimals);
  if (!/[1-9]/.test(text)) return "0";
  return (value < 0 ? "\u2212" : "") + text;
}

/** "× 10⁻³ logit" */
export function unitText(numbers: Numbers, unit: string): string {
  if (numbers.exponent === 0) return unit;
  const digits = [...String(Math.abs(numbers.exponent))].map((digit) => superscripts[Number(digit)]).join("");
  return `\u00d7 10${numbers.exponent < 0 ? "\u207b" : ""}${digits} ${unit}`.trimEnd();
}

/** "39.5 %"; never "100 %" for what is less. */
export function percent(share: number): string {
  const value = 100 * share;
  if (value > 99.95 && value < 100) return `${number(Math.min(value, 99.999), 5)} %`;
  return `${number(value, 3)} %`;
}
