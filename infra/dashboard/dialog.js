// The one dialog: a change needs a reason, and a refusal is told where it was asked for.

const dialog = document.getElementById("confirm");
const field = (name) => document.getElementById(`confirm-${name}`);

export const isOpen = () => dialog.open;

export function confirm(title, text, send, done) {
  field("title").textContent = title;
  field("text").textContent = text;
  field("reason").value = "";
  field("error").textContent = "";
  dialog.onsubmit = async (event) => {
    event.preventDefault();
    const reason = field("reason").value.trim();
    if (!reason) return refuse("Say why: blanks tell nobody anything.");
    field("go").disabled = true;
    try {
      await send(reason);
    } catch (error) {
      return refuse(error.message);
    } finally {
      field("go").disabled = false;
    }
    dialog.close();
    done();
  };
  dialog.showModal();
  field("reason").focus();
}

function refuse(text) {
  field("error").textContent = text;
  field("reason").focus();
}

field("cancel").addEventListener("click", () => dialog.close());
