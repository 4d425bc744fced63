package config_test

import (
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/config"
)

var update = flag.Bool("update", false, "rewrite docs/configuration.md")

func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultsWork(t *testing.T) {
	c, err := config.Load("", environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Default(), c); diff != "" {
		t.Errorf("settings differ from the defaults:\n%s", diff)
	}
	if err := c.Check(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	for _, tt := range []struct{ name, got, want string }{
		{"Database", c.Database(), "sqlite:tigertally-data/tigertally.db"},
		{"KeyFile", c.KeyFile(), "tigertally-data/master.key"},
		{"BaseURL", c.BaseURL(), "http://" + config.DefaultListen},
		{"Level", c.Level().String(), slog.LevelInfo.String()},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	if c.Secure() {
		t.Error("plain HTTP is called secure")
	}
}

func TestSettingsNameTheirDefaults(t *testing.T) {
	for _, s := range config.Settings() {
		if s.Doc == "" {
			t.Errorf("%s has no documentation", s.Name)
		}
		if s.Default == "" {
			continue
		}
		c, err := config.Load("", environment(map[string]string{s.Env(): s.Default}))
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		if diff := cmp.Diff(config.Default(), c); diff != "" {
			t.Errorf("the default written for %s is not the one used:\n%s", s.Name, diff)
		}
	}
}

func TestEverySettingComesFromFileAndEnvironment(t *testing.T) {
	want := config.Config{
		Listen: "0.0.0.0:80", PublicURL: "https://auth.example.com/", MetricsListen: "127.0.0.1:9",
		TrustedProxies: []string{"10.0.0.0/8", "::1"}, DataDir: "/data", DatabaseURL: "postgres://u:p4ss@h/d",
		MasterKeyFile: "/key", DefaultPool: "p", HashWorkers: 3, LogFormat: "text", LogLevel: "warn",
		SMS:       config.Driver{Name: "webhook", Options: map[string]string{"url": "https://s", "port": "25"}},
		SMSRoutes: map[string]string{"+86": "tencent, aliyun", "*": "twilio"}, OutboundAllow: []string{"10.1.2.3"},
		Mail:    config.Driver{Name: "smtp", Options: map[string]string{"host": "h"}},
		OneTap:  config.Driver{Name: "yidun", Options: map[string]string{"secret_id": "i"}},
		Captcha: config.Driver{Name: "turnstile", Options: map[string]string{"secret": "s"}},
		Backup:  config.Backup{Dir: "/backups", Hours: 6, Keep: 3, Passphrase: "four words at least"},

		OperatorEmail: "ops@example.com", Limits: map[string]string{"number_day": "30"}, NetworksFile: "/networks",
	}
	path := file(t, "c.yaml", `
# comments are welcome
listen: 0.0.0.0:80
public_url: https://auth.example.com/
metrics_listen: 127.0.0.1:9
trusted_proxies: [10.0.0.0/8, "::1"]
data_dir: /data
database_url: postgres://u:p4ss@h/d
master_key_file: /key
default_pool: p
hash_workers: 3
log_format: text
log_level: warn
backup: {dir: /backups, hours: 6, keep: 3, passphrase: four words at least}
sms:
  driver: webhook
  options: {url: https://s, port: 25}
  routes: {"+86": "tencent, aliyun", "*": twilio}
outbound_allow: [10.1.2.3]
operator_email: ops@example.com
limits: {number_day: 30}
networks_file: /networks
mail:
  driver: smtp
  options:
    host: h
onetap:
  driver: yidun
  options: {secret_id: i}
captcha:
  driver: turnstile
  options: {secret: s}
`)
	env := map[string]string{
		"TIGERTALLY_LISTEN": "0.0.0.0:80", "TIGERTALLY_PUBLIC_URL": "https://auth.example.com/",
		"TIGERTALLY_METRICS_LISTEN": "127.0.0.1:9", "TIGERTALLY_TRUSTED_PROXIES": "10.0.0.0/8, ::1",
		"TIGERTALLY_DATA_DIR": "/data", "TIGERTALLY_DATABASE_URL": "postgres://u:p4ss@h/d",
		"TIGERTALLY_MASTER_KEY_FILE": "/key", "TIGERTALLY_DEFAULT_POOL": "p", "TIGERTALLY_HASH_WORKERS": "3",
		"TIGERTALLY_LOG_FORMAT": "text", "TIGERTALLY_LOG_LEVEL": "warn",
		"TIGERTALLY_BACKUP_DIR": "/backups", "TIGERTALLY_BACKUP_HOURS": "6", "TIGERTALLY_BACKUP_KEEP": "3",
		"TIGERTALLY_BACKUP_PASSPHRASE": "four words at least",
		"TIGERTALLY_SMS_DRIVER":        "webhook", "TIGERTALLY_SMS_OPTIONS": `{url: "https://s", port: 25}`,
		"TIGERTALLY_SMS_ROUTES": `{"+86": "tencent, aliyun", "*": twilio}`, "TIGERTALLY_OUTBOUND_ALLOW": "10.1.2.3",
		"TIGERTALLY_OPERATOR_EMAIL": "ops@example.com", "TIGERTALLY_LIMITS": "{number_day: 30}", "TIGERTALLY_NETWORKS_FILE": "/networks",
		"TIGERTALLY_MAIL_DRIVER": "smtp", "TIGERTALLY_MAIL_OPTIONS": "{host: h}",
		"TIGERTALLY_ONETAP_DRIVER": "yidun", "TIGERTALLY_ONETAP_OPTIONS": "{secret_id: i}",
		"TIGERTALLY_CAPTCHA_DRIVER": "turnstile", "TIGERTALLY_CAPTCHA_OPTIONS": "{secret: s}",
	}
	for _, s := range config.Settings() {
		if _, ok := env[s.Env()]; !ok {
			t.Errorf("%s is not tried here", s.Name)
		}
	}
	for name, load := range map[string]func() (config.Config, error){
		"file":                      func() (config.Config, error) { return config.Load(path, environment(nil)) },
		"environment":               func() (config.Config, error) { return config.Load("", environment(env)) },
		"environment over the file": func() (config.Config, error) { return config.Load(file(t, "d", "listen: x:1"), environment(env)) },
	} {
		t.Run(name, func(t *testing.T) {
			got, err := load()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("settings differ (-want +got):\n%s", diff)
			}
			if got.BaseURL() != "https://auth.example.com" || !got.Secure() {
				t.Errorf("BaseURL %q, Secure %v", got.BaseURL(), got.Secure())
			}
		})
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	url := file(t, "url", "postgres://u:p4ss@h/d\n")
	token := file(t, "token", " s3cr3t-of-mine \n")
	c, err := config.Load("", environment(map[string]string{
		"TIGERTALLY_DATABASE_URL_FILE": url, "TIGERTALLY_SMS_DRIVER": "webhook",
		"TIGERTALLY_SMS_OPTIONS": "{secret_file: " + token + "}",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if c.DatabaseURL != "postgres://u:p4ss@h/d" || c.SMS.Options["secret"] != "s3cr3t-of-mine" || len(c.SMS.Options) != 1 {
		t.Errorf("read %q and %v", c.DatabaseURL, c.SMS.Options)
	}
}

// problems checks that err says each of want, and nothing of secret.
func problems(t *testing.T, err error, secret string, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("nothing was reported")
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("not reported: %s\nin: %v", w, err)
		}
	}
	if got := strings.Count(err.Error(), "\n") + 1; got != len(want) {
		t.Errorf("%d problems are reported, want %d: %v", got, len(want), err)
	}
	if secret != "" && strings.Contains(err.Error(), secret) {
		t.Errorf("the report has a secret: %v", err)
	}
}

func TestLoadReportsEveryProblemAtOnce(t *testing.T) {
	path := file(t, "c.yaml", `
listne: x
listen: 80
trusted_proxies: 10.0.0.1
hash_workers: -1
log_level: [info]
sms:
  vendor: x
  options: {secret: {a: p4ssw0rd}}
`)
	_, err := config.Load(path, environment(map[string]string{
		"TIGERTALLY_DATABASE_URL": "x", "TIGERTALLY_DATABASE_URL_FILE": "/y",
		"TIGERTALLY_MAIL_OPTIONS": "[p4ssw0rd",
	}))
	problems(t, err, "p4ssw0rd",
		`no setting "listne"`, "listen: wants a text", "trusted_proxies: wants a list", "hash_workers: wants a whole number",
		"log_level: wants a text", `no setting "sms.vendor"`, "option secret wants a text",
		"TIGERTALLY_DATABASE_URL and TIGERTALLY_DATABASE_URL_FILE are both set", "TIGERTALLY_MAIL_OPTIONS: wants a mapping")
}

func TestLoadRefusesBrokenFiles(t *testing.T) {
	for name, path := range map[string]string{
		"missing":        filepath.Join(t.TempDir(), "none"),
		"no YAML":        file(t, "a", "listen: [p4ssw0rd"),
		"no mapping":     file(t, "b", "- p4ssw0rd"),
		"a name twice":   file(t, "c", "listen: a\nlisten: b"),
		"a large file":   file(t, "d", strings.Repeat("#", 2<<20)),
		"a secret alone": file(t, "e", "p4ssw0rd"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(path, environment(nil))
			if err == nil {
				t.Fatal("it was read")
			}
			if strings.Contains(err.Error(), "p4ssw0rd") {
				t.Errorf("the report has what is in the file: %v", err)
			}
		})
	}
	if _, err := config.Load(file(t, "empty", "# nothing\n"), environment(nil)); err != nil {
		t.Errorf("an empty file is refused: %v", err)
	}
}

func TestLoadRefusesBrokenSecretFiles(t *testing.T) {
	_, err := config.Load("", environment(map[string]string{
		"TIGERTALLY_DATABASE_URL_FILE": "/nowhere/url",
		"TIGERTALLY_SMS_OPTIONS":       "{secret: a, secret_file: /b}",
		"TIGERTALLY_MAIL_OPTIONS":      "{password_file: /nowhere/password}",
		"TIGERTALLY_HASH_WORKERS":      "many",
	}))
	problems(t, err, "", "/nowhere/url", "secret and secret_file are both set", "/nowhere/password", "TIGERTALLY_HASH_WORKERS")
}

func TestCheckReportsEveryProblemAtOnce(t *testing.T) {
	c := config.Config{
		Listen: "nowhere", PublicURL: "http://auth.example.com", MetricsListen: "127.0.0.1:http",
		TrustedProxies: []string{"10.0.0.1", "proxy", "0.0.0.0/0"}, DatabaseURL: "mysql://x",
		LogFormat: "xml", LogLevel: "loud", SMS: config.Driver{Options: map[string]string{"a": "b"}},
		Mail:   config.Driver{Name: "smtp", Options: map[string]string{"password": "changeme", "host": "test"}},
		OneTap: config.Driver{Name: "yidun", Options: map[string]string{"secret_key": "changeme"}},
	}
	problems(t, c.Check(), "", "listen:", "public_url: must be https", "metrics_listen:", `"proxy" is not`, `"0.0.0.0/0" would`,
		"data_dir:", "database_url:", "default_pool:", "log_format:", "log_level:", "sms: options without", "mail: option password", "onetap: option secret_key")
}

func TestCheckPublicURL(t *testing.T) {
	for url, ok := range map[string]bool{
		"": true, "https://auth.example.com": true, "https://auth.example.com:8443/": true,
		"http://localhost:8080": true, "http://127.0.0.1:1": true, "http://[::1]:1": true, "http://dev.localhost": true,
		"http://auth.example.com": false, "auth.example.com": false, "ftp://a": false, "https://": false,
		"https://u@a": false, "https://a/path": false, "https://a?q": false, "https://a#f": false, "://": false,
	} {
		c := config.Default()
		c.PublicURL = url
		if err := c.Check(); (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestCheckKeepsMetricsApart(t *testing.T) {
	c := config.Default()
	c.MetricsListen = c.Listen
	problems(t, c.Check(), "", "metrics_listen: must differ")
}

// KM-04: sample secrets are refused.
func TestCheckRefusesSampleSecrets(t *testing.T) {
	for _, sample := range []string{
		"changeme", "CHANGE-ME-NOW", "secret", "password", "your-secret-here", "<secret>", "xxxxxxxxxxxxxxxxxxxx",
		strings.Repeat("0", 64), strings.Repeat("A", 43) + "=", strings.Repeat("\x00", 32), "0123456789abcdef",
	} {
		t.Run(fmt.Sprintf("%.20q", sample), func(t *testing.T) {
			c := config.Default()
			c.SMS = config.Driver{Name: "webhook", Options: map[string]string{"secret": sample}}
			problems(t, c.Check(), "", "sample value")
			c = config.Default()
			c.MasterKeyFile = file(t, "key", sample+"\n")
			problems(t, c.Check(), "", "sample key")
		})
	}
	c := config.Default()
	c.DatabaseURL = "postgres://tigertally:changeme@db/tigertally"
	problems(t, c.Check(), "changeme", "sample password")
	c = config.Default()
	c.DatabaseURL = "postgres://tigertally:p4ss%zz@db/tigertally"
	problems(t, c.Check(), "p4ss", "is not an address")
	c = config.Default()
	c.MasterKeyFile = file(t, "key", "Zk3p0m8Yq1mC5c4kJ7x2w9uB6nV0sT1rE3yHqLdFgAa=\n")
	c.DatabaseURL = "postgres://tigertally:Zk3p0m8Yq1@db/tigertally"
	c.SMS = config.Driver{Name: "webhook", Options: map[string]string{"secret": "Zk3p0m8Yq1mC5c4k"}}
	if err := c.Check(); err != nil {
		t.Errorf("secrets of one's own are refused: %v", err)
	}
}

func TestProxies(t *testing.T) {
	c := config.Config{TrustedProxies: []string{
		"10.0.0.1", "10.1.2.3/8", "::1", "fd00::1/8", "::ffff:192.0.2.0/120", "::ffff:192.0.2.7", "nobody", "::ffff:0:0/90",
	}}
	var got []string
	for _, p := range c.Proxies() {
		got = append(got, p.String())
	}
	want := []string{"10.0.0.1/32", "10.0.0.0/8", "::1/128", "fd00::/8", "192.0.2.0/24", "192.0.2.7/32"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("prefixes differ (-want +got):\n%s", diff)
	}
	if !c.Proxies()[1].Contains(netip.MustParseAddr("10.255.0.1")) {
		t.Error("a range does not hold its addresses")
	}
}

func TestLevel(t *testing.T) {
	if got := (config.Config{LogLevel: "debug"}).Level(); got != slog.LevelDebug {
		t.Errorf("debug is %v", got)
	}
	if got := (config.Config{LogLevel: "loud"}).Level(); got != slog.LevelInfo {
		t.Errorf("an unknown level is %v", got)
	}
}

func TestDocumentationListsEverySetting(t *testing.T) {
	const path = "../../docs/configuration.md"
	const begin, end = "<!-- settings: written by go test ./internal/config -update -->\n", "<!-- settings end -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the settings", path)
	}
	want := before + begin + table() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("%s is not current; run the test with -update (-want +got):\n%s", path, diff)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("\n| setting | environment | default | meaning |\n| --- | --- | --- | --- |\n")
	for _, s := range config.Settings() {
		env, def := "`"+s.Env()+"`", ""
		if s.Secret {
			env += " or `" + s.Env() + "_FILE`"
		}
		if s.Default != "" {
			def = "`" + s.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Name, env, def, strings.ReplaceAll(s.Doc, "|", `\|`))
	}
	return b.String() + "\n"
}
