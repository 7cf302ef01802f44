// Package pki holds the words that the certificate packages share: who a
// certificate names (Subject), which one it is (Serial), why it was revoked
// (Reason), where its status is found (Addresses), and how its bytes are
// signed (Signature).
//
// It stands on the standard library alone. Text is checked here for
// everything that needs no Unicode tables beyond the library's own; that it
// is in Normalization Form C is checked by pki/profile, the one door through
// which subjects reach a certificate.
//
// Nothing here logs, keeps global state or reads a clock.
package pki
