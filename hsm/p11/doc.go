// Package p11 is the PKCS#11 v2.40 key token: module, login, sessions, signing,
// wrapped keys, and coming back after the token was lost. It implements
// [hsm.Token].
//
// What the standard leaves to the reader, and costs dearly, is fixed here:
//
//   - A session belongs to one goroutine at a time: it is only reachable inside
//     the function given to Token.with.
//   - Nobody logs out, and one idle session per token stays open: both would
//     invalidate every private handle of the process.
//   - A handle is good for one epoch (one login). When a key is looked up again
//     its CKA_ID and its public key must be those seen first, and the first
//     signature of an epoch is verified in software.
//   - A PIN is tried once. After a refusal the Token stays closed to all calls.
//   - Keys are looked up once, not per operation.
package p11
