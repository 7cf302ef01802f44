package main

import (
	"crypto/tls"
	"fmt"
	"net"

	"github.com/kyso-vn/kyso/internal/config"
)

// withTLS wraps the public listener; TLS 1.2 or better. After an error it returns ln as it is.
func withTLS(ln net.Listener, c config.TLS) (net.Listener, error) {
	cert, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return ln, fmt.Errorf("load TLS certificate: %w", err)
	}
	return tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}), nil
}
