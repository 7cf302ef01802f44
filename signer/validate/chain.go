package validate

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"time"

	"github.com/kyso-vn/kyso/pki/path"
)

// chainFailures maps what pki/path refuses to EN 319 102-1, Section 5.2.6.
var chainFailures = map[path.Code]struct {
	sub  SubIndication
	code string
}{
	path.ErrNoAnchor:        {NoChainFound, "no_anchor"},
	path.ErrSignature:       {NoChainFound, "no_anchor"},
	path.ErrExpired:         {OutOfBoundsNoPOE, "certificate_expired"},
	path.ErrNotYetValid:     {OutOfBoundsNoPOE, "certificate_not_yet_valid"},
	path.ErrNotCA:           {ChainConstraints, "chain_constraints"},
	path.ErrLength:          {ChainConstraints, "chain_constraints"},
	path.ErrKeyUsage:        {ChainConstraints, "key_usage"},
	path.ErrExtKeyUsage:     {ChainConstraints, "key_usage"},
	path.ErrNameConstraints: {ChainConstraints, "chain_constraints"},
	path.ErrCritical:        {ChainConstraints, "chain_constraints"},
	path.ErrPolicy:          {ChainConstraints, "chain_constraints"},
	path.ErrWeakAlgorithm:   {CryptoNoPOE, "algorithm_weak"},
	path.ErrTooComplex:      {ChainGeneral, "chain_constraints"},
}

// signingUsage is what the signer's key may be for.
const signingUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment

// chainResult is a judged path: sub is "" when it holds and nothing on it was revoked.
type chainResult struct {
	*path.Result
	sub  SubIndication
	code string
	args []any
}

// good reports whether the path holds and every status is known to be good.
func (r *chainResult) good() bool { return r.sub == "" }

// judgeChain builds and judges the path of cert at a time. With offline set nothing is
// fetched and revocation is not looked at: for signatures that are broken anyway.
func (v *verifier) judgeChain(cert *x509.Certificate, own *material, at time.Time, usage x509.KeyUsage, offline bool) *chainResult {
	o := path.Options{Anchors: v.o.Anchors, At: at, Now: v.now, KeyUsage: usage, SkipRevocation: offline, Evidence: v.evidence(own)}
	o.Algorithms.AllowWeak = false
	if !offline && v.o.Fetcher != nil {
		o.Fetcher = boundedFetcher{v.o.Fetcher, v.started.Add(v.o.Timeout * 3 / 4)}
	}
	r, err := path.Validate(v.ctx, cert, o)
	out := &chainResult{Result: r}
	if err != nil {
		f, ok := chainFailures[path.CodeOf(err)]
		if !ok {
			f.sub, f.code = ChainGeneral, "chain_constraints"
		}
		out.sub, out.code = f.sub, f.code
		return out
	}
	if offline {
		return out
	}
	out.judgeRevocation()
	return out
}

// judgeSigner judges the certificate of a signature at the best time known.
func (c *candidate) judgeSigner() {
	if c.timestamp {
		return // judged by judgeTimestamps
	}
	if c.result == nil {
		return
	}
	at := c.v.at
	c.judgeStamps()
	if c.sig.BestTime != nil {
		at = *c.sig.BestTime
	}
	offline := c.failed()
	c.chain = c.v.judgeChain(c.result.Certificate, c.material(), at, signingUsage, offline)
	c.showChain(c.chain)
	c.checkCertificates(c.sd, c.chain)
	if !offline && !c.chain.good() {
		c.sig.judge(Indeterminate, c.chain.sub, c.chain.code, c.chain.args...)
	}
	if t := c.sig.ClaimedTime; t != nil && c.sig.BestTime != nil && t.After(c.sig.BestTime.Add(clockTolerance)) {
		c.sig.note("claimed_after_timestamp")
	}
}

// clockTolerance is how far clocks may differ before it is worth a word.
const clockTolerance = 5 * time.Minute

// showChain copies the path into the report.
func (c *candidate) showChain(r *chainResult) {
	if r.Result == nil {
		return
	}
	if r.good() || r.Result.Anchor != "" {
		c.sig.Anchor = r.Anchor
	}
	for _, s := range r.Certificates {
		line := CertificateStatus{Subject: shortName(s.Certificate.Subject), Serial: hex.EncodeToString(s.Certificate.SerialNumber.Bytes()),
			Status: s.Status.String(), Source: s.Source}
		if !s.ThisUpdate.IsZero() {
			line.Checked = &s.ThisUpdate
		}
		if !s.RevokedAt.IsZero() {
			line.RevokedAt, line.Reason = &s.RevokedAt, s.Reason.String()
		}
		c.sig.Chain = append(c.sig.Chain, line)
	}
}

// shortName is what people call a subject: its common name, else the whole.
func shortName(n pkix.Name) string {
	if n.CommonName != "" {
		return n.CommonName
	}
	return n.String()
}

// unitOf is the unit that manages the certificate: OU, else O.
func unitOf(cert *x509.Certificate) string {
	if ou := cert.Subject.OrganizationalUnit; len(ou) > 0 {
		return ou[0]
	}
	if o := cert.Subject.Organization; len(o) > 0 {
		return o[0]
	}
	return ""
}
