//go:build unix

package dbtest

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is whom PostgreSQL runs as: it refuses to run as root.
type account struct{ credential *syscall.Credential }

// owner picks the account and gives it dir.
func owner(dir string) (account, error) {
	if os.Getuid() != 0 {
		return account{}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return account{}, err
		}
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return account{}, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return account{}, err
	}
	a := account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}} //nolint:gosec // ids are positive.
	return a, os.Chown(dir, uid, gid)
}

func (a account) apply(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential, Setpgid: true}
}
