package validate

import (
	"slices"

	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// recognise finds the PAdES baseline level (EN 319 142-1, Section 6) by what is there, each
// level with all of the one below. Document time-stamps have none.
func (c *candidate) recognise() {
	if c.timestamp || c.result == nil || c.failed() || !c.baseline() {
		return
	}
	c.sig.Level = signer.LevelB
	if !c.isStamped() {
		return
	}
	c.sig.Level = signer.LevelT
	if !c.hasMaterial() {
		return
	}
	c.sig.Level = signer.LevelLT
	if c.archived() {
		c.sig.Level = signer.LevelLTA
	}
}

// baseline are the requirements of B-B.
func (c *candidate) baseline() bool {
	return c.sig.SubFilter == "ETSI.CAdES.detached" && c.result.ESSVersion > 0 && c.sig.ClaimedTime != nil &&
		len(c.sd.Signed(cms.OIDSigningTime)) == 0 && !c.dict.Has("Cert")
}

func (c *candidate) isStamped() bool {
	return slices.ContainsFunc(c.stamps, func(s *stamp) bool { return s.good }) || len(c.covering()) > 0
}

// covering are the document time-stamps over this signature that are cryptographically good.
func (c *candidate) covering() []*candidate {
	var out []*candidate
	for _, d := range c.v.found {
		if d.timestamp && d.stamped != nil && !d.failed() && d.end > c.end {
			out = append(out, d)
		}
	}
	return out
}

// hasMaterial reports whether the DSS, with what the signature carries, answers for the
// whole path. Without a path to an anchor it is enough that it has revocation data.
func (c *candidate) hasMaterial() bool {
	dss := c.v.dss
	if dss == nil || len(dss.CRLs)+len(dss.OCSPs) == 0 {
		return false
	}
	chains := []*chainResult{c.chain}
	for _, s := range c.stamps {
		if s.good {
			chains = append(chains, s.chain)
		}
	}
	own := c.material()
	for _, chain := range chains {
		if chain == nil || chain.Result == nil {
			continue
		}
		for _, s := range chain.Certificates {
			switch {
			case s.Status == path.Trusted || s.Source == "" && chain.sub != TryLater:
			case s.Source == "" || !dss.has(s.Source, s.Evidence) && !own.has(s.Source, s.Evidence):
				return false
			}
		}
	}
	return true
}

// archived reports whether a document time-stamp covers the DSS.
func (c *candidate) archived() bool {
	for _, d := range c.covering() {
		cat, err := pdf.Catalog(c.v.r.At(d.revision))
		if err == nil && cat.Has("DSS") && d.revision > c.revision {
			return true
		}
	}
	return false
}
