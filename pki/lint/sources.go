package lint

import zlint3 "github.com/zmap/zlint/v3/lint"

// includedSources are the rule books that bind this PKI: the standards, ETSI's
// qualified statements (which apply only where such a statement stands), and
// zlint's community checks of plain mistakes.
//
// Left out, since they bind CAs that browsers and mail programs trust, and
// this one is trusted by the state's own verifiers:
//   - CABF_BR, CABF_EV: TLS servers. zlint applies them to any CA without an
//     EKU, and they demand, for instance, an HTTP OCSP address, C/O/CN from
//     public registers, and forbid attributes Vietnamese practice demands.
//   - CABF_SMIME_BR: zlint applies them to whatever has emailProtection; they
//     demand the CA/Browser Forum's own policies, and allow neither a UID in
//     the subject nor five years.
//   - CABF_CS_BR: code signing.
//   - Mozilla, Apple, Chrome: root store policies.
//   - RFC6962: Certificate Transparency; there is none here.
func includedSources() zlint3.SourceList {
	return zlint3.SourceList{
		zlint3.RFC3279, zlint3.RFC5280, zlint3.RFC5480, zlint3.RFC5891, zlint3.RFC6960,
		zlint3.RFC8813, zlint3.EtsiEsi, zlint3.Community,
	}
}
