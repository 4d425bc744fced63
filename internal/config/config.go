// Package config owns the settings of one process: where they come from, their
// defaults, and what is wrong with them. Settings of a user pool are pool's.
package config

// Config is the settings of one process.
type Config struct {
	Listen         string
	PublicURL      string
	DatabaseURL    string
	DataDir        string
	MasterKeyFile  string
	TrustedProxies []string
	MetricsListen  string
	LogFormat      string
	LogLevel       string
	DefaultPool    string
}
