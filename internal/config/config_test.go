package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/config"
)

func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEnvironmentWinsOverFileOverDefault(t *testing.T) {
	t.Parallel()
	path := write(t, "kyso.yaml", "hsm:\n  token: from-file\n  pin_file: /run/pin\nsigning:\n  tsa_timeout: 3s\n", 0o600)
	c, err := config.Load(path, []string{"KYSO_HSM_TOKEN=from-env", "KYSO_OUTGOING_ALLOW=127.0.0.1:9000, 10.0.0.0/8", "KYSO_HSM_WRAP_MECHANISM=0x210B"})
	if err != nil {
		t.Fatal(err)
	}
	if c.HSM.Token != "from-env" || c.HSM.PINFile != "/run/pin" || c.Signing.TSATimeout != 3*time.Second || c.HSM.WrapMechanism != 0x210B ||
		len(c.Outgoing.Allow) != 2 || c.Listen.Public != "127.0.0.1:8080" {
		t.Fatalf("%+v", c)
	}
}

func TestPasswordsAreNotShown(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://u:hunter2@h/x?sslmode=disable": "postgres://u:xxxxx@h/x?sslmode=disable",
		"postgres://h/x?password=hunter2":          "postgres://h/x?password=xxxxx",
		"sqlite:/var/kyso.db":                      "sqlite:/var/kyso.db",
	} {
		if got := (config.Config{Database: dsn}).Redacted().Database; got != want {
			t.Errorf("%s: %s", dsn, got)
		}
	}
	for _, wrong := range []string{"hsm:\n  tokken: x\n", "hsm: [x\n", "production: perhaps\n"} {
		_, err := config.Load(write(t, "kyso.yaml", "database: postgres://u:hunter2@h/x\n"+wrong, 0o600), nil)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	t.Parallel()
	open := write(t, "pin", "1234", 0o644)
	for name, c := range map[string]struct {
		file string
		env  []string
		want string
	}{
		"unknown field":    {"hsm:\n  tokken: x\n", nil, "tokken"},
		"database":         {"database: mysql:x\nhsm: {pin_file: x}\n", nil, "database:"},
		"no PIN file":      {"", nil, "hsm.pin_file"},
		"bad number":       {"", []string{"KYSO_HSM_WRAP_MECHANISM=x"}, "KYSO_HSM_WRAP_MECHANISM"},
		"SoftHSM for real": {"production: true\nhsm: {pin_file: x}\n", nil, "SoftHSM"},
		"world readable":   {"production: true\nhsm: {pin_file: " + open + "}\n", nil, "others may read it"},
		"cookie in clear":  {"production: true\nhsm: {pin_file: x}\n", nil, "url.public"},
		"half of TLS":      {"tls: {cert: a}\nhsm: {pin_file: x}\n", nil, "tls:"},
	} {
		_, err := config.Load(write(t, "kyso.yaml", c.file, 0o600), c.env)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
