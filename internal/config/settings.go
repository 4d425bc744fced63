package config

import (
	"slices"
	"strings"
)

// Setting describes one setting, for Load and for the documentation.
type Setting struct {
	Name    string // in the file; a dot stands for a level
	Default string // as one would write it; "" for none
	Doc     string
	Secret  bool // may also come from the file that <Env>_FILE names

	field func(c *Config) any // *string, *[]string, *int or *map[string]string
}

// Env is the environment variable of the setting. It wins over the file.
func (s Setting) Env() string {
	return "TIGERTALLY_" + strings.ToUpper(strings.ReplaceAll(s.Name, ".", "_"))
}

// Settings lists every setting.
func Settings() []Setting {
	return slices.Concat(serverSettings(), backupSettings(), driverSettings())
}

func backupSettings() []Setting {
	return []Setting{
		{
			Name: "backup.dir", field: func(c *Config) any { return &c.Backup.Dir },
			Doc: "Directory the server keeps backups of itself in, best on another disk. Empty: `backups` in the data directory, and none is made by itself until a schedule is set in the console.",
		}, {
			Name: "backup.hours", Default: "24", field: func(c *Config) any { return &c.Backup.Hours },
			Doc: "How many hours are between two backups, until a schedule is set in the console.",
		}, {
			Name: "backup.keep", Default: "14", field: func(c *Config) any { return &c.Backup.Keep },
			Doc: "How many backups are kept, the oldest go first; until a schedule is set in the console.",
		}, {
			Name: "backup.passphrase", Secret: true, field: func(c *Config) any { return &c.Backup.Passphrase },
			Doc: "Passphrase that seals backups, which then hold the master key too. Empty: the master key seals them, and a restore needs its file.",
		},
	}
}

func serverSettings() []Setting {
	return []Setting{
		{
			Name: "listen", Default: DefaultListen, field: func(c *Config) any { return &c.Listen },
			Doc: "Host and port to serve on. Put a TLS proxy in front of it.",
		}, {
			Name: "public_url", field: func(c *Config) any { return &c.PublicURL },
			Doc: "How clients reach the server, for example `https://auth.example.com`; tokens name it as " +
				"their issuer. Must be https unless it is this machine. Empty: `http://` and the listen address.",
		}, {
			Name: "metrics_listen", field: func(c *Config) any { return &c.MetricsListen },
			Doc: "Host and port of the Prometheus `/metrics`, apart from the public port. Empty: off.",
		}, {
			Name: "trusted_proxies", field: func(c *Config) any { return &c.TrustedProxies },
			Doc: "Addresses or ranges of the reverse proxies in front of the server. Only they are believed " +
				"when they name the client in `X-Forwarded-For`. In the environment: separated by commas.",
		}, {
			Name: "data_dir", Default: DefaultDataDir, field: func(c *Config) any { return &c.DataDir },
			Doc: "Directory of the embedded database and the master key. It is made readable by its owner only.",
		}, {
			Name: "database_url", Secret: true, field: func(c *Config) any { return &c.DatabaseURL },
			Doc: "`sqlite:PATH` or `postgres://HOST/NAME`, which may hold user and password. Empty: `tigertally.db` in the data directory.",
		}, {
			Name: "master_key_file", field: func(c *Config) any { return &c.MasterKeyFile },
			Doc: "File of the key that seals secrets in the database; only its owner may read it. Keep a copy " +
				"of it apart from the database: without it the database is of no use. Empty: `master.key` in the data directory.",
		}, {
			Name: "default_pool", Default: "default", field: func(c *Config) any { return &c.DefaultPool },
			Doc: "User pool of requests that name no client.",
		}, {
			Name: "hash_workers", Default: "0", field: func(c *Config) any { return &c.HashWorkers },
			Doc: "How many passwords are hashed at once. 0: one for each core.",
		}, {
			Name: "outbound_allow", field: func(c *Config) any { return &c.OutboundAllow },
			Doc: "Addresses or ranges of vendors that may be called although they are not on the public internet, " +
				"such as `10.1.2.3`. In the environment: separated by commas.",
		}, {
			Name: "operator_email", field: func(c *Config) any { return &c.OperatorEmail },
			Doc: "Mail address that is told when a pool's message budget is nearly or all spent, or when hardly anybody uses " +
				"the codes it sends; once a day each. Empty: the log and the audit record alone say so.",
		}, {
			Name: "limits", field: func(c *Config) any { return &c.Limits },
			Doc: "Other numbers than the defaults under Limits below, by name, such as `{number_day: 30, send_ip_hour: 60}`. " +
				"In the environment: the mapping in YAML.",
		}, {
			Name: "networks_file", field: func(c *Config) any { return &c.NetworksFile },
			Doc: "File of networks that count as one for the limit `send_group`, such as those of an autonomous system: a range " +
				"and a name on each line, `198.51.100.0/24 AS64500`. Empty: none.",
		}, {
			Name: "log_format", Default: "json", field: func(c *Config) any { return &c.LogFormat },
			Doc: "`json` or `text`.",
		}, {
			Name: "log_level", Default: "info", field: func(c *Config) any { return &c.LogLevel },
			Doc: "`debug`, `info`, `warn` or `error`. Each request is one line at `info`.",
		},
	}
}

func driverSettings() []Setting {
	const options = "Options of the driver, a mapping of texts. An option `NAME_file` reads NAME from a file. " +
		"In the environment: the mapping in YAML, such as `{url: \"https://sms.example.com\", secret_file: /run/secrets/sms}`."
	return []Setting{
		{
			Name: "sms.driver", field: func(c *Config) any { return &c.SMS.Name },
			Doc: "What delivers text messages: `webhook`, `tencent`, `aliyun`, `twilio`, or several separated by commas, " +
				"in the order in which they are asked. Empty: none, and codes to phones fail.",
		}, {
			Name: "sms.options", field: func(c *Config) any { return &c.SMS.Options }, Doc: options,
		}, {
			Name: "sms.routes", field: func(c *Config) any { return &c.SMSRoutes },
			Doc: "Which drivers are asked for a country, in order: a mapping of dialling codes, or `*` for the rest, " +
				"such as `{\"+86\": \"tencent, aliyun\", \"*\": twilio}`. Empty: all of `sms.driver`.",
		}, {
			Name: "mail.driver", field: func(c *Config) any { return &c.Mail.Name },
			Doc: "What delivers mail, for example `smtp`. Empty: none, and codes to mail addresses fail.",
		}, {
			Name: "mail.options", field: func(c *Config) any { return &c.Mail.Options }, Doc: options,
		}, {
			Name: "onetap.driver", field: func(c *Config) any { return &c.OneTap.Name },
			Doc: "Who asks the carrier for the number of a one-tap sign-in, for example `yidun`. Empty: nobody, and one-tap sign-in is off.",
		}, {
			Name: "onetap.options", field: func(c *Config) any { return &c.OneTap.Options }, Doc: options,
		}, {
			Name: "captcha.driver", field: func(c *Config) any { return &c.Captcha.Name },
			Doc: "Whose captcha is taken besides our own picture: `turnstile`, `hcaptcha`, `tencent` or `aliyun`. Empty: nobody's.",
		}, {
			Name: "captcha.options", field: func(c *Config) any { return &c.Captcha.Options }, Doc: options,
		},
	}
}
