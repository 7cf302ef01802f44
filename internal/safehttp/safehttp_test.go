package safehttp

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func client(t *testing.T, o Options) *http.Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func server(t *testing.T, h http.HandlerFunc) (address, port string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s.URL, u.Port()
}

func get(t *testing.T, c *http.Client, address string) (string, error) {
	t.Helper()
	resp, err := c.Get(address)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestLoopbackIsRefusedUnlessAllowed(t *testing.T) {
	t.Parallel()
	address, port := server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "vào được") })
	byName := "http://localhost:" + port
	for name, tc := range map[string]struct {
		allow  []string
		target string
		good   bool
	}{
		"nothing allowed":      {nil, address, false},
		"nothing, by name":     {nil, byName, false},
		"address":              {[]string{"127.0.0.1"}, address, true},
		"address and port":     {[]string{"127.0.0.1:" + port}, address, true},
		"other port":           {[]string{"127.0.0.1:1"}, address, false},
		"network":              {[]string{"127.0.0.0/8"}, address, true},
		"other network":        {[]string{"10.0.0.0/8"}, address, false},
		"name":                 {[]string{"localhost"}, byName, true},
		"name, upper case":     {[]string{"LocalHost"}, byName, true},
		"name and port":        {[]string{"localhost:" + port}, byName, true},
		"name and other port":  {[]string{"localhost:1"}, byName, false},
		"name opens no number": {[]string{"localhost"}, address, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := get(t, client(t, Options{Allow: tc.allow}), tc.target)
			if tc.good && (err != nil || body != "vào được") {
				t.Errorf("refused: %v", err)
			}
			if !tc.good && !errors.Is(err, ErrBlocked) {
				t.Errorf("got %q, %v", body, err)
			}
		})
	}
}

func TestOnlyPublicAddressesAreOpen(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"1.1.1.1": true, "103.9.4.1": true, "2001:4860:4860::8888": true, "2400:cb00::1": true,
		"127.0.0.1": false, "127.1.2.3": false, "0.0.0.0": false, "0.1.2.3": false,
		"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false,
		"169.254.169.254": false, "100.64.0.1": false, "100.100.100.200": false, "168.63.129.16": false,
		"224.0.0.1": false, "239.1.1.1": false, "255.255.255.255": false, "240.0.0.1": false,
		"192.0.0.170": false, "192.0.2.1": false, "198.18.0.1": false, "203.0.113.9": false,
		"::": false, "::1": false, "::127.0.0.1": false, "::ffff:127.0.0.1": false, "::ffff:1.1.1.1": false,
		"fe80::1": false, "fc00::1": false, "fd00:ec2::254": false, "fec0::1": false, "ff02::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b:1::a00:1": false, "2002:7f00:1::": false, "2001::1": false,
		"2001:db8::1": false, "100::1": false, "::ffff:0:7f00:1": false,
	} {
		if got := public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: public %v, want %v", address, got, want)
		}
	}
	if public(netip.Addr{}) || public(netip.MustParseAddr("2400:cb00::1%eth0")) {
		t.Error("an invalid or zoned address is public")
	}
}

// TestWaysOfWritingLoopback: what resolvers make of odd spellings is checked
// after resolution, so none gets through. Nothing leaves the machine.
func TestWaysOfWritingLoopback(t *testing.T) {
	t.Parallel()
	_, port := server(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was reached") })
	c := client(t, Options{Timeout: 2 * time.Second})
	for _, host := range []string{"127.0.0.1", "127.1", "0", "0.0.0.0", "2130706433", "0x7f.1", "[::1]", "[::]",
		"[::ffff:127.0.0.1]", "[::127.0.0.1]", "localhost", "LOCALHOST."} {
		if body, err := get(t, c, "http://"+host+":"+port+"/"); err == nil {
			t.Errorf("%s answered %q", host, body)
		}
	}
}

func TestOnlyAllowedShutsThePublicInternetToo(t *testing.T) {
	t.Parallel()
	g := &guard{only: true}
	if err := g.check("tcp4", "1.1.1.1:80"); !errors.Is(err, ErrBlocked) {
		t.Errorf("got %v", err)
	}
	g.only = false
	if err := g.check("tcp4", "1.1.1.1:80"); err != nil {
		t.Errorf("got %v", err)
	}
	if err := g.check("unix", "/run/x"); !errors.Is(err, ErrBlocked) {
		t.Errorf("unix socket: %v", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	target, _ := server(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	address, _ := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusFound) })
	if _, err := get(t, client(t, Options{Allow: []string{"127.0.0.1"}}), address); !errors.Is(err, ErrRedirect) {
		t.Errorf("got %v", err)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	address, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		body := strings.Repeat("x", 1000)
		if r.URL.Path == "/bomb" {
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			_, _ = io.WriteString(z, body)
			_ = z.Close()
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed.Bytes())
			return
		}
		_, _ = io.WriteString(w, body)
	})
	for limit, want := range map[int64]error{999: ErrTooLarge, 1000: nil, 1001: nil, 1: ErrTooLarge} {
		for _, path := range []string{"/", "/bomb"} {
			c := client(t, Options{Allow: []string{"127.0.0.1"}, MaxBodyBytes: limit})
			body, err := get(t, c, address+path)
			if !errors.Is(err, want) || int64(len(body)) > limit {
				t.Errorf("limit %d, %s: %d bytes, %v", limit, path, len(body), err)
			}
		}
	}
}

func TestSlowServersAreLeft(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	address, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/drip" { // headers at once, the body never
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
		}
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(stop) })
	c := client(t, Options{Allow: []string{"127.0.0.1"}, Timeout: 30 * time.Millisecond})
	for _, path := range []string{"/", "/drip"} {
		_, err := get(t, c, address+path)
		if netErr, ok := errors.AsType[net.Error](err); !ok || !netErr.Timeout() {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestOtherSchemesAndProxiesAreNotUsed(t *testing.T) {
	proxy, _ := server(t, func(http.ResponseWriter, *http.Request) { t.Error("the proxy was used") })
	t.Setenv("HTTP_PROXY", proxy)
	t.Setenv("http_proxy", proxy)
	c := client(t, Options{})
	if c.Transport.(*limiter).next.Proxy != nil { // the environment is read once a process: ask the field as well
		t.Error("a proxy may be used")
	}
	if _, err := get(t, c, "http://10.255.255.1/"); !errors.Is(err, ErrBlocked) {
		t.Errorf("proxy: %v", err)
	}
	for _, address := range []string{"file:///etc/passwd", "ftp://1.1.1.1/", "gopher://1.1.1.1/"} {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Do(req); !errors.Is(err, ErrScheme) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestAllowListIsReadStrictly(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "a b", "http://x", "*.vn", "a..b", "10.0.0.0/33", "host:notaport", "1.2.3", "0x7f.1", "host:99999"} {
		if _, err := New(Options{Allow: []string{bad}}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	for _, good := range []string{"dms.hanoi.gov.vn", "dms:8080", "10.1.2.3", "10.1.2.3:80", "[::1]", "[::1]:80", "::1", "fd00::/8", " x_y "} {
		if _, err := New(Options{Allow: []string{good}}); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

// FuzzAllow: an entry that is no network never opens another address than the
// one it names.
func FuzzAllow(f *testing.F) {
	for _, s := range []string{"127.0.0.1", "localhost:80", "10.0.0.0/8", "[::1]:443", "::ffff:10.0.0.1"} {
		f.Add(s)
	}
	probe := netip.MustParseAddrPort("169.254.169.254:80")
	f.Fuzz(func(t *testing.T, entry string) {
		l, err := parseAllow([]string{entry})
		if err != nil || strings.Contains(entry, "/") || strings.Contains(entry, "169.254.169.254") || strings.Contains(entry, ":") {
			return
		}
		if l.addr(probe) {
			t.Errorf("%q opens %v", entry, probe)
		}
	})
}
