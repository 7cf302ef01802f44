// Package keyring keeps people's keys as wrapped records and signs with them
// for as long as one call takes.
//
// A private key leaves the token only wrapped by a token key, and that blob is
// sealed again under a key-encryption key (KEK) that nobody holds:
//
//	KEK = HKDF( what the person knows  ‖  HMAC in the token of it  ‖  device share )
//
// What the person knows is an activation code until a PIN replaces it; a PIN
// goes through Argon2id first. Without the token the HMAC is missing, so a
// thief of the database cannot even test PINs; with the token it still takes
// the person's PIN. Organisations' keys are opened by role and approval, which
// the caller has checked: their KEK is the HMAC alone.
//
// Only internal/agent and commands import this package.
package keyring
