package upsim

import "crypto/tls"

// The faults of a connection, which come before there is a request to match.
const (
	faultTLSName    = "TLSBADNAME"
	faultTLSExpired = "TLSEXPIRED"
	faultTLSOld     = "TLS10"
)

func ofConnection(flag string) bool {
	return flag == faultTLSName || flag == faultTLSExpired || flag == faultTLSOld
}

// connection returns what goes wrong with the next connection, nothing most of the time.
func (f *faults) connection() flags {
	for _, a := range f.armed {
		if ofConnection(a.Fault.Fault) && a.strike() {
			return flags{a.Fault.Fault}
		}
	}
	return nil
}

// tlsConfig asks the armed faults at every handshake.
func (s *Server) tlsConfig() (*tls.Config, error) {
	good, err := s.ca.config(nil)
	if err != nil {
		return nil, err
	}
	outer := good.Clone()
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if f := s.faults.connection(); f != nil {
			return s.ca.config(f)
		}
		return good, nil
	}
	return outer, nil
}
