package cloudbase_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/sdk/cloudbase"
	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

// seedMethod is a method of the vendor's sign-in page and its Go form.
type seedMethod struct {
	Page string // its name on the page
	Go   string // the method of the Go type that it is
	// Run does what the page says and checks what came of it.
	Run func(w *world)
	// Refused runs it so that it fails with a name.
	Refused refusals
	// Bare is nothing but the call, for somebody who is signed in. It is nil for a
	// method that sends nothing.
	Bare func(ctx context.Context, a *cloudbase.Auth) error
}

type refusals = map[cloudbase.ErrorName]func(w *world) error

// seedMethods are all methods of the page, in its order.
var seedMethods = slices.Concat(signInMethods, providerMethods, verificationMethods, accountMethods, stateMethods)

// pageErrors are the codes of the page's table.
var pageErrors = []cloudbase.ErrorName{
	cloudbase.ErrNotFound, cloudbase.ErrPasswordNotSet, cloudbase.ErrInvalidPassword, cloudbase.ErrUserPending,
	cloudbase.ErrUserBlocked, cloudbase.ErrInvalidStatus, cloudbase.ErrInvalidTwoFactor, cloudbase.ErrFailedPrecondition,
	cloudbase.ErrResourceExhausted, cloudbase.ErrInvalidArgument, cloudbase.ErrAborted, cloudbase.ErrPermissionDenied,
	cloudbase.ErrCaptchaRequired, cloudbase.ErrCaptchaInvalid, cloudbase.ErrUnreachable,
}

func TestEveryMethodOfThePage(t *testing.T) {
	c := newCity(t, tigertallytest.WithProviders())
	for _, m := range seedMethods {
		t.Run(m.Page, func(t *testing.T) {
			t.Run("works", func(t *testing.T) {
				t.Parallel()
				m.Run(c.world(t))
			})
			for name, run := range m.Refused {
				t.Run(string(name), func(t *testing.T) {
					t.Parallel()
					w := c.world(t)
					w.refused(run(w), name)
				})
			}
		})
	}
}

// A server that cannot be reached is tried as often as the JavaScript library tries, by
// every method that sends anything, and costs nobody their session.
func TestEveryMethodSurvivesAServerThatIsAway(t *testing.T) {
	c := newCity(t)
	var all sync.WaitGroup
	defer all.Wait()
	for _, m := range seedMethods {
		if m.Bare == nil {
			continue
		}
		w := c.world(t).signIn()
		w.wire.forget()
		w.wire.suffer(func(*http.Request) fault { return fault{cut: true} })
		all.Go(func() {
			err := m.Bare(t.Context(), w.auth)
			if e, ok := errors.AsType[*cloudbase.Error](err); !ok || e.Name != cloudbase.ErrUnreachable || e.Unwrap() == nil {
				t.Errorf("%s: got %v", m.Page, err)
			}
			tried := w.wire.all()
			if len(tried) != 3 {
				t.Errorf("%s: tried %d times", m.Page, len(tried))
			}
			for _, again := range tried {
				if id := tried[0].Header.Get("X-Request-Id"); len(id) != 32 || again.Header.Get("X-Request-Id") != id {
					t.Errorf("%s: tried with the ids %q and %q", m.Page, id, again.Header.Get("X-Request-Id"))
				}
			}
			w.wire.suffer(nil)
			if _, err := w.auth.GetUserInfo(t.Context()); err != nil {
				t.Errorf("%s: the session is lost: %v", m.Page, err)
			}
		})
	}
}

func TestEveryErrorOfThePageIsMet(t *testing.T) {
	met := map[cloudbase.ErrorName]bool{cloudbase.ErrUnreachable: true} // by every method that sends
	for _, m := range seedMethods {
		for name := range m.Refused {
			met[name] = true
		}
	}
	for _, name := range pageErrors {
		if !met[name] {
			t.Errorf("no method is refused with %s", name)
		}
	}
}

// The page, its Go methods, the tests and the guide name the same things.
func TestTheGuideNamesEveryMethod(t *testing.T) {
	types := map[string]reflect.Type{
		"App": reflect.TypeFor[*cloudbase.App](), "Auth": reflect.TypeFor[*cloudbase.Auth](),
		"LoginState": reflect.TypeFor[*cloudbase.LoginState](), "User": reflect.TypeFor[*cloudbase.User](),
	}
	tested, guide := map[string]string{}, map[string]string{}
	for _, m := range seedMethods {
		owner, name, _ := strings.Cut(m.Go, ".")
		if of, ok := types[owner]; !ok {
			t.Errorf("%s: there is no type %s", m.Page, owner)
		} else if _, ok := of.MethodByName(name); !ok {
			t.Errorf("%s: there is no %s", m.Page, m.Go)
		}
		refused := slices.Sorted(maps.Keys(m.Refused))
		words := make([]string, 0, len(refused))
		for _, r := range refused {
			words = append(words, string(r))
		}
		tested[m.Page] = m.Go + " " + strings.Join(words, " ")
	}
	row := regexp.MustCompile("(?m)^\\| `([A-Za-z.]+)` \\| `([A-Z][A-Za-z]+\\.[A-Za-z]+)\\([^`]*\\)` \\| ([^|]*) \\|$")
	for _, r := range row.FindAllStringSubmatch(section(t, "../../docs/go-sdk.md", "## CloudBase methods"), -1) {
		words := strings.Fields(strings.NewReplacer("`", "", ",", "").Replace(r[3]))
		slices.Sort(words)
		guide[r[1]] = r[2] + " " + strings.Join(words, " ")
	}
	if diff := cmp.Diff(tested, guide); diff != "" {
		t.Errorf("methods (-tested +docs/go-sdk.md):\n%s", diff)
	}
}

// The server's own list of the page's methods has no other names.
func TestNoMethodOfThePageIsMissing(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `([A-Za-z.]+)` \\|").FindAllStringSubmatch(
		section(t, "../../docs/compat/cloudbase.md", "## Methods of the sign-in page of the documentation"), -1)
	want := []string{"auth", "LoginState.user"} // need no server
	for _, r := range rows {
		want = append(want, r[1])
	}
	var got []string
	for _, m := range seedMethods {
		got = append(got, strings.TrimPrefix(strings.TrimPrefix(m.Page, "Auth."), "App."))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("methods (-page +tested):\n%s", diff)
	}
}

func TestEveryMethodHasAnExample(t *testing.T) {
	text, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range seedMethods {
		if !strings.Contains(string(text), "func Example"+strings.ReplaceAll(m.Go, ".", "_")+"()") {
			t.Errorf("no example of %s", m.Go)
		}
	}
}

// section returns what stands below a heading of a document.
func section(t *testing.T, path, heading string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, below, found := strings.Cut(string(text), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no %q", path, heading)
	}
	below, _, _ = strings.Cut(below, "\n## ")
	return below
}
