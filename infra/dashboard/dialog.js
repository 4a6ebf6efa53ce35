// The dialog that confirms a change. It asks for a reason, and shows why the API refused the change.

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
    if (!reason) return refuse("Enter a reason: the audit log keeps it.");
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
