// Package lint checks certificates and CRLs before they are signed: zlint's
// checks of the standards, and this project's own of its profiles.
package lint

import (
	"strings"

	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	zlint3 "github.com/zmap/zlint/v3/lint"

	"github.com/kyso-vn/kyso/pki"
)

// ErrLint is the code of a certificate or CRL refused by a lint.
const ErrLint pki.Code = "lint_failed"

// Severity is how bad a finding is.
type Severity string

// The severities. Only Error makes a refusal.
const (
	Notice  Severity = "notice"
	Warning Severity = "warning"
	Error   Severity = "error"
)

// Finding is what one lint has to say.
type Finding struct {
	// Lint is its stable name: zlint's, or "kyso_…".
	Lint     string   `json:"lint"`
	Severity Severity `json:"severity"`
	// Detail never holds values of the certificate's subject.
	Detail string `json:"detail,omitempty"`
	// Citation is the rule broken, as "RFC 5280: 4.1.2.2".
	Citation string `json:"citation,omitempty"`
}

// Findings is the outcome of a check; empty is good.
type Findings []Finding

// Err returns an ErrLint that names the lints with errors, nil if there are
// none.
func (f Findings) Err() error {
	var names []string
	for _, one := range f {
		if one.Severity == Error {
			names = append(names, one.Lint)
		}
	}
	if names == nil {
		return nil
	}
	return &pki.Error{Code: ErrLint, Detail: strings.Join(names, ", ")}
}

// Linter holds the chosen lints. It is read-only and may be used by many
// goroutines; making one takes some milliseconds, so one is made and shared.
type Linter struct {
	registry zlint3.Registry
}

// New chooses the lints; see includedSources for those left out and why.
func New() (*Linter, error) {
	registry, err := zlint3.GlobalRegistry().Filter(zlint3.FilterOptions{
		IncludeSources: includedSources(),
	})
	if err != nil {
		return nil, &pki.Error{Code: ErrLint, Detail: "choosing the lints", Err: err}
	}
	return &Linter{registry}, nil
}

// zlintFindings keeps what isn't a pass. zlint's own details stay out: they
// quote the certificate.
func zlintFindings(set *zlint.ResultSet) Findings {
	var out Findings
	for name, result := range set.Results {
		var severity Severity
		switch result.Status {
		case zlint3.Error, zlint3.Fatal:
			severity = Error
		case zlint3.Warn:
			severity = Warning
		case zlint3.Notice:
			severity = Notice
		default:
			continue
		}
		out = append(out, Finding{Lint: name, Severity: severity,
			Detail: result.LintMetadata.Description, Citation: result.LintMetadata.Citation})
	}
	return out
}

func (l *Linter) zlintCertificate(der []byte, selfSigned bool) (Findings, error) {
	c, err := zx509.ParseCertificate(der)
	if err != nil {
		return nil, &pki.Error{Code: ErrLint, Detail: "zlint can't parse the certificate", Err: err}
	}
	// A root's draft is signed by a throw-away key; what is judged is the root.
	c.SelfSigned = selfSigned
	return zlintFindings(zlint.LintCertificateEx(c, l.registry)), nil
}
