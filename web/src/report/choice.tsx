// One of several by name: buttons where they are few, a list where they are many.
const few = 8;

interface Properties {
  label: string;
  names: readonly string[];
  chosen: number;
  onChoose(place: number): void;
}

export function Choice({ label, names, chosen, onChoose }: Properties) {
  return (
    <div class="choice" role="group" aria-label={label}>
      <span class="choice-label" aria-hidden="true">
        {label}
      </span>
      {names.length <= few ? (
        names.map((name, i) => (
          <button key={i} type="button" aria-pressed={i === chosen} onClick={() => onChoose(i)}>
            {name}
          </button>
        ))
      ) : (
        <select aria-label={label} value={chosen} onChange={(event) => onChoose(Number(event.currentTarget.value))}>
          {names.map((name, i) => (
            <option key={i} value={i}>
              {name}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}
