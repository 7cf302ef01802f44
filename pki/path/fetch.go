package path

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
)

// HTTPFetcher is a [Fetcher] over an HTTP client (RFC 6960, Appendix A; RFC
// 5280, Section 4.2.1.13). Client must be guarded where addresses come from
// strangers; it is required.
type HTTPFetcher struct {
	Client  *http.Client
	Timeout time.Duration // for each address; 0 = 10 s
	MaxOCSP int64         // bytes; 0 = 64 KiB
	MaxCRL  int64         // bytes; 0 = 8 MiB
}

// OCSP posts the request.
func (f *HTTPFetcher) OCSP(ctx context.Context, url string, request []byte) ([]byte, error) {
	max := f.MaxOCSP
	if max <= 0 {
		max = 64 << 10
	}
	return f.do(ctx, http.MethodPost, url, request, max)
}

// CRL gets the list.
func (f *HTTPFetcher) CRL(ctx context.Context, url string) ([]byte, error) {
	max := f.MaxCRL
	if max <= 0 {
		max = defaultMaxFetch
	}
	return f.do(ctx, http.MethodGet, url, nil, max)
}

func (f *HTTPFetcher) do(ctx context.Context, method, url string, body []byte, max int64) ([]byte, error) {
	if f.Client == nil {
		return nil, fail(ErrArgument, nil, "HTTPFetcher without a client")
	}
	timeout := f.Timeout
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, failErr(ErrFetch, err, "address in a certificate")
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/ocsp-request")
		req.Header.Set("Accept", "application/ocsp-response")
	}
	resp, err := f.Client.Do(req)
	if err != nil {
		return nil, failErr(ErrFetch, err, "no answer")
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fail(ErrFetch, nil, "HTTP status %d", resp.StatusCode)
	}
	der, err := io.ReadAll(io.LimitReader(resp.Body, max+1))
	if err != nil {
		return nil, failErr(ErrFetch, err, "the answer broke off")
	}
	if int64(len(der)) > max {
		return nil, fail(ErrEvidenceTooLarge, nil, "an answer above %d bytes", max)
	}
	return der, nil
}
