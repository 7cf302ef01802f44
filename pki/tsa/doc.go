// Package tsa is a time-stamp authority and its client (RFC 3161, with RFC 5816
// for ESSCertIDv2; profile ETSI EN 319 422), on top of pki/cms.
//
// [Server] answers requests, over HTTP or in process. [Client] asks several
// authorities in order and believes none of them unchecked. [ParseToken] and
// [Token.Verify] judge tokens wherever they come from. Both Server and Client
// have the method
//
//	Timestamp(ctx context.Context, hash crypto.Hash, digest []byte) (token []byte, err error)
//
// which is all that a signer needs. Nothing here logs or keeps global state.
package tsa
