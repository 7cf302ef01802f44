package validate

import (
	"crypto/x509"
	"time"

	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/pki/tsa"
)

// stamp is a signature time-stamp of one signature.
type stamp struct {
	token *tsa.Token
	cert  *x509.Certificate
	good  bool // cryptographically: of this signature value, by this certificate
	weak  bool // by an algorithm that proves nothing any more
	valid bool // and trusted
	chain *chainResult
}

// judgeTimestamps judges the document time-stamps, newest first: each later one that holds
// is the time by which an earlier one must have been good.
func (v *verifier) judgeTimestamps() {
	control := v.at
	for i := len(v.found) - 1; i >= 0; i-- {
		c := v.found[i]
		if !c.timestamp || c.stamped == nil {
			continue
		}
		t := c.token.GenTime
		c.sig.ClaimedTime = &t
		c.chain = v.judgeTSA(c.token, c.stamped.Certificate, control, c.failed())
		c.showChain(c.chain)
		c.checkCertificates(c.sd, c.chain)
		if !c.failed() && !c.chain.good() {
			c.sig.judge(Indeterminate, c.chain.sub, c.chain.code, c.chain.args...)
		}
		c.trusted = c.sig.Indication == Passed
		c.sig.Timestamps = []Timestamp{{Kind: "document", Time: t, TSA: c.sig.Signer, Valid: c.trusted}}
		if c.trusted {
			c.sig.BestTime = &t
			control = t
		}
	}
}

// judgeTSA judges the certificate of a time-stamp (EN 319 102-1, Section 5.4): good at
// genTime by evidence of any later time, and not ended or compromised before control, the
// time by which something else proves that the time-stamp existed.
func (v *verifier) judgeTSA(t *tsa.Token, cert *x509.Certificate, control time.Time, offline bool) *chainResult {
	if t.GenTime.After(v.at.Add(clockTolerance)) {
		return &chainResult{sub: TimestampOrder, code: "timestamp_future"}
	}
	own := &material{path.Evidence{Certificates: t.SignedData.Certificates, CRLs: t.SignedData.CRLs}}
	r := v.judgeChain(cert, own, t.GenTime, 0, offline)
	if !r.good() {
		if r.code == "no_anchor" {
			r.code = "tsa_no_anchor"
		}
		return r
	}
	if control.After(cert.NotAfter) {
		r.sub, r.code = OutOfBoundsNoPOE, "tsa_expired"
	}
	if at, ok := r.revokedLater(); ok && !control.Before(at) {
		r.sub, r.code, r.args = RevokedNoPOE, "certificate_revoked", []any{at}
	}
	return r
}

// judgeStamps reads the signature's own time-stamps and finds the best signature time: the
// earliest of those that are valid and of the document time-stamps over it.
func (c *candidate) judgeStamps() {
	control := c.v.at
	for _, d := range c.v.found {
		if d.trusted && d.end > c.end && d.token.GenTime.Before(control) {
			control = d.token.GenTime
		}
	}
	c.readStamps()
	for _, s := range c.stamps {
		if !s.good {
			continue
		}
		s.chain = c.v.judgeTSA(s.token, s.cert, control, c.failed())
		c.checkCertificates(s.token.SignedData, s.chain)
		s.valid = s.chain.good() && !s.weak && !c.failed()
		c.sig.Timestamps = append(c.sig.Timestamps, Timestamp{Kind: "signature", Time: s.token.GenTime, TSA: shortName(s.cert.Subject), Valid: s.valid})
		if !s.valid {
			c.sig.note("timestamp_untrusted")
			continue
		}
		c.offerTime(s.token.GenTime)
	}
	for _, d := range c.v.found {
		if !d.timestamp || d.stamped == nil || d.end <= c.end {
			continue
		}
		c.sig.Timestamps = append(c.sig.Timestamps, Timestamp{Kind: "document", Time: d.token.GenTime, TSA: d.sig.Signer, Valid: d.trusted})
		if d.trusted && !c.failed() {
			c.offerTime(d.token.GenTime)
		}
	}
}

// offerTime takes t when it is earlier than the best time so far.
func (c *candidate) offerTime(t time.Time) {
	if c.sig.BestTime == nil || t.Before(*c.sig.BestTime) {
		t = t.UTC()
		c.sig.BestTime = &t
	}
}

// readStamps verifies the signature-time-stamp attributes (RFC 3161, Appendix A): the imprint
// is of the signature value. One that is wrong spoils the signature.
func (c *candidate) readStamps() {
	for _, value := range c.sd.Unsigned(cms.OIDSignatureTimeStamp) {
		token, err := tsa.ParseToken(value, cms.Limits{AllowBER: c.old()})
		if err != nil || token.Hash == 0 || !token.Hash.Available() {
			c.sig.judge(Indeterminate, SigConstraints, "timestamp_malformed")
			continue
		}
		h := token.Hash.New()
		h.Write(c.sd.Signer.Signature)
		got, err := token.Verify(h.Sum(nil), tsa.VerifyOptions{AllowWeak: true, Certificates: c.v.evidence(c.material()).Certificates})
		if err != nil {
			c.sig.judge(Indeterminate, SigConstraints, stampCode(err))
			c.stamps = append(c.stamps, &stamp{token: token})
			continue
		}
		c.stamps = append(c.stamps, &stamp{token: token, cert: got.Certificate, good: true, weak: len(got.Weaknesses) > 0})
	}
}

// stampCode says what is wrong with a time-stamp.
func stampCode(err error) string {
	switch tsa.CodeOf(err) {
	case tsa.ErrImprint:
		return "imprint_mismatch"
	case tsa.ErrUsage:
		return "tsa_usage"
	case tsa.ErrGenTime:
		return "tsa_time"
	}
	return "timestamp_wrong"
}
