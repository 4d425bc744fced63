package sandbox_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
)

// probe does, in a process confined as a worker is, what a script that had broken out of
// the interpreter would do. It writes one line for each thing that worked.
func probe() {
	if err := sandbox.Confine(); err != nil {
		fmt.Println("confine:", err)
		return
	}
	for name, try := range map[string]func() error{
		"read a file":      func() error { _, err := os.ReadFile("/etc/passwd"); return err },
		"write a file":     func() error { return os.WriteFile("/tmp/tigertally-probe", []byte("x"), 0o600) },
		"list a directory": func() error { _, err := os.ReadDir("/"); return err },
		"remove a file":    func() error { return os.Remove("/tmp/tigertally-probe") },
		"make a directory": func() error { return os.Mkdir("/tmp/tigertally-probe-dir", 0o700) },
		"run a program":    func() error { return exec.Command("/bin/true").Run() },
		"become a program": func() error { return syscall.Exec("/bin/true", []string{"true"}, nil) },
		"open a socket":    func() error { _, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0); return err },
		"dial":             func() error { _, err := net.Dial("tcp", "127.0.0.1:1"); return onlyForbidden(err) },
		"listen":           func() error { _, err := net.Listen("unix", "/tmp/tigertally-probe.sock"); return err },
		"fork": func() error {
			pid, _, errno := syscall.RawSyscall(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0)
			if errno == 0 && pid == 0 {
				syscall.RawSyscall(syscall.SYS_EXIT, 0, 0, 0)
			}
			return result(errno)
		},
		"trace a process":     func() error { return syscall.PtraceAttach(os.Getppid()) },
		"leave the namespace": func() error { return syscall.Unshare(syscall.CLONE_NEWUSER) },
		"raise a limit": func() error {
			return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20})
		},
	} {
		if err := try(); err == nil {
			fmt.Println(name, "worked")
		}
	}
	moreThreads()
	fmt.Println("probed")
}

// moreThreads has the runtime start some, as it does whenever a system call takes long.
// A process that may not dies of it.
func moreThreads() {
	var at, all sync.WaitGroup
	at.Add(20)
	for range 20 {
		all.Go(func() {
			runtime.LockOSThread()
			at.Done()
			at.Wait()
		})
	}
	all.Wait()
}

// onlyForbidden makes a refused connection count as success: it left the process.
func onlyForbidden(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	return err
}

func result(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// JS-01, JS-02: even outside the interpreter a worker opens, connects and starts nothing,
// and it can still have the threads the runtime wants.
func TestConfined(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	before, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, "probe").CombinedOutput()
	if err != nil || string(out) != "probed\n" {
		t.Errorf("%v: %s", err, out)
	}
	// It shared our process group, as no worker does.
	if after, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0); err != nil || after != before {
		t.Errorf("we stand back too: %d, %v", after, err)
	}
}

// JS-01: workers have limits, no environment, no files but their pipes and what
// the runtime reads its share of processors from, and an empty directory.
func TestWorkerProcess(t *testing.T) {
	start(t, 1)
	dir := worker(t)
	for file, want := range map[string][]string{
		"status":  {"NoNewPrivs:\t1\n", "Seccomp:\t2\n"},
		"environ": {""},
		"limits": {
			"Max address space         3221225472", "Max file size             0", "Max cpu time              120",
			"Max open files            16", "Max core file size        0",
		},
	} {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(raw), w) {
				t.Errorf("%s has no %q:\n%s", file, w, raw)
			}
		}
		if file == "environ" && len(bytes.Trim(raw, "\x00")) != 0 {
			t.Errorf("environment %q", raw)
		}
	}
	pid, err := strconv.Atoi(filepath.Base(dir))
	if err != nil {
		t.Fatal(err)
	}
	if nice, err := syscall.Getpriority(syscall.PRIO_PROCESS, pid); err != nil || nice != 20-10 { // as the kernel counts
		t.Errorf("it does not stand back: %d, %v", nice, err)
	}
	cwd, err := os.Readlink(filepath.Join(dir, "cwd"))
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(cwd); err != nil || len(entries) != 0 {
		t.Errorf("directory %s: %v %v", cwd, entries, err)
	}
	files, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		to, err := os.Readlink(filepath.Join(dir, "fd", f.Name()))
		if err == nil && !strings.HasPrefix(to, "pipe:") && !strings.HasPrefix(to, "anon_inode:") && !strings.HasPrefix(to, "/sys/fs/cgroup/") {
			t.Errorf("file %s is %s", f.Name(), to)
		}
	}
	own, _ := os.Readlink("/proc/self/ns/net")
	theirs, _ := os.Readlink(filepath.Join(dir, "ns/net"))
	t.Logf("a network of its own: %v", own != theirs)
}

// worker finds the directory in /proc of the only worker of this process.
func worker(t *testing.T) string {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range tasks {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for pid := range strings.FieldsSeq(string(raw)) {
			line, err := os.ReadFile("/proc/" + pid + "/cmdline")
			if err == nil && strings.Contains(string(line), "pipeline-worker") {
				return "/proc/" + pid
			}
		}
	}
	t.Fatal("there is no worker")
	return ""
}
