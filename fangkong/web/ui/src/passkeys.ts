// Passkeys (WebAuthn): allauth's pages without its scripts, which our content policy does not let in.

import { hit } from "./dom";

type Json = Record<string, unknown>;

export function startPasskeys(): void {
  document.addEventListener("click", (event) => {
    if (!hit(event, "[data-passkey-start]")) return;
    const form = hit<HTMLFormElement>(event, "form[data-passkey]");
    if (form) void run(form);
  });
}

async function run(form: HTMLFormElement): Promise<void> {
  const failed = form.querySelector<HTMLElement>("[data-passkey-failed]");
  if (failed) failed.hidden = true;
  try {
    const credential = form.dataset["passkey"] === "create" ? await create(form) : await get(form);
    const field = form.querySelector<HTMLInputElement>("[name=credential]");
    if (!field) return;
    field.value = JSON.stringify(credential);
    form.submit();
  } catch {
    // Cancelled, timed out, or not supported: the page says what else there is.
    if (failed) failed.hidden = false;
  }
}

async function create(form: HTMLFormElement): Promise<Json> {
  const options = given("creation_options") as { publicKey: Json };
  const asked = options.publicKey as unknown as PublicKeyCredentialCreationOptions & { user: { id: unknown } };
  const alone = form.querySelector<HTMLInputElement>("[name=passwordless]")?.checked ?? false;
  const made = (await navigator.credentials.create({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: (asked.excludeCredentials ?? []).map(readable),
      authenticatorSelection: {
        ...asked.authenticatorSelection,
        residentKey: alone ? "required" : "discouraged",
        requireResidentKey: alone,
        userVerification: alone ? "required" : (asked.authenticatorSelection?.userVerification ?? "preferred"),
      },
    },
  })) as PublicKeyCredential;
  const response = made.response as AuthenticatorAttestationResponse;
  return {
    ...common(made),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      attestationObject: text(response.attestationObject),
      transports: response.getTransports(),
    },
  };
}

async function get(form: HTMLFormElement): Promise<Json> {
  const from = form.dataset["passkeyFrom"];
  const options = (from ? await fetched(from) : given("request_options")) as { publicKey: Json };
  const asked = options.publicKey as unknown as PublicKeyCredentialRequestOptions;
  const found = (await navigator.credentials.get({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      allowCredentials: (asked.allowCredentials ?? []).map(readable),
    },
  })) as PublicKeyCredential;
  const response = found.response as AuthenticatorAssertionResponse;
  return {
    ...common(found),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: response.userHandle ? text(response.userHandle) : null,
    },
  };
}

function common(credential: PublicKeyCredential): Json {
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

function given(name: string): unknown {
  const data = document.getElementById("passkey-options")?.textContent ?? "{}";
  return (JSON.parse(data) as Json)[name];
}

async function fetched(address: string): Promise<unknown> {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  return ((await answer.json()) as Json)["request_options"];
}

function readable(one: PublicKeyCredentialDescriptor): PublicKeyCredentialDescriptor {
  return { ...one, id: bytes(one.id) };
}

/** Base64url text as bytes. */
function bytes(value: unknown): Uint8Array<ArrayBuffer> {
  const plain = atob(String(value).replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

/** Bytes as base64url text. */
function text(value: ArrayBuffer): string {
  const plain = String.fromCharCode(...new Uint8Array(value));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
