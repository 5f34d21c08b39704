// The state and the browser's history: what is a step gets an entry of its own, so that "back" goes
// there; what is dragged about replaces the present one, now and then, as browsers allow.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { firstLook } from "../viewer/types";
import { isStep, readFragment, type State, writeFragment } from "./state";

const settled = 150; // milliseconds without a further change

// What changes; a function of the state where it depends on the present one, which may be newer than
// what was drawn.
export type Go = (next: Partial<State> | ((now: State) => Partial<State>)) => void;

export function useAddress(): [State, Go] {
  const [state, setState] = useState(() => readFragment(location.hash, firstLook));
  const latest = useRef(state);
  const timer = useRef(0);

  useEffect(() => {
    const follow = () => {
      clearTimeout(timer.current);
      latest.current = readFragment(location.hash, firstLook);
      setState(latest.current);
    };
    addEventListener("popstate", follow);
    return () => {
      removeEventListener("popstate", follow);
    };
  }, []);

  const go = useCallback<Go>((next) => {
    const before = latest.current;
    const after = { ...before, ...(typeof next === "function" ? next(before) : next) };
    latest.current = after;
    setState(after);
    clearTimeout(timer.current);
    const fragment = writeFragment(after, firstLook);
    if (isStep(before, after)) {
      history.replaceState(null, "", writeFragment(before, firstLook));
      history.pushState(null, "", fragment);
    } else {
      timer.current = setTimeout(() => {
        history.replaceState(null, "", fragment);
      }, settled) as unknown as number;
    }
  }, []);
  return [state, go];
}
