// Package pdf reads PDF files and writes incremental updates to them, for
// signing and for judging signatures. It does no signature cryptography.
//
// The Reader is lazy and strict: it works over an io.ReaderAt with bounded
// memory, and refuses, with an *Error whose Reason is a stable code, what it
// can't read for certain. It never rebuilds a cross-reference. A View shows the
// document at one of its revisions.
//
// An Update edits by splicing the original bytes and is written as an Increment
// that follows the original, which is never changed: the original file is
// always a prefix of the updated one. Section numbers refer to ISO 32000-1
// unless another standard is named.
package pdf
