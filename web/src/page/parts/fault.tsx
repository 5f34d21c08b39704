// What went wrong, as the server says it: what, where, what to do; in place, and never in the way.
import { useState } from "preact/hooks";
import { say } from "../../words";
import { type ServerError, giveToken } from "../server";

const needsToken = 401;

export function Fault(props: { error: ServerError; place?: string; onRetry?(): void }) {
  const { error, place, onRetry } = props;
  if (error.status === needsToken && onRetry) return <TokenField error={error} onRetry={onRetry} />;
  const where = place ?? error.where;
  return (
    <div class="fault" role="alert">
      <p class="fault-what">{say(error.what)}</p>
      {where && <p class="fault-where">{where}</p>}
      {error.remedy && <p>{say("What to do: {0}", say(error.remedy))}</p>}
      {onRetry && (
        <button type="button" onClick={onRetry}>
          {say("Try again")}
        </button>
      )}
    </div>
  );
}

function TokenField({ error, onRetry }: { error: ServerError; onRetry(): void }) {
  const [token, setToken] = useState("");
  return (
    <form
      class="fault token"
      onSubmit={(event) => {
        event.preventDefault();
        giveToken(token.trim());
        onRetry();
      }}
    >
      <p class="fault-what" role="alert">
        {say(error.what)}
      </p>
      <label for="token">{say("The token that this server was started with")}</label>
      <span class="field-line">
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          required
          value={token}
          onInput={(event) => {
            setToken(event.currentTarget.value);
          }}
        />
        <button type="submit" class="main">
          {say("Go on")}
        </button>
      </span>
      <p class="help">{say("It stays in this tab and is forgotten with it.")}</p>
    </form>
  );
}
