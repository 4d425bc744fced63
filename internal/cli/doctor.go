package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/api"
)

// doctorCommand looks for what is wrong with an installation. Its exit code is 1 when
// something does not work, so that a monitor can run it.
func doctorCommand(p Process) *cobra.Command {
	var f manageFlags
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong with the installation, and say how to mend it",
		Long: "Look for what is wrong with the installation, and say how to mend it. Nothing is changed and no message is sent.\n" +
			"Ask a running server with --server and --key-file: it alone knows how requests reach it.",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withManage(c, p, &f, func(do doer) error {
				header := http.Header{"Accept-Language": {language(p)}}
				text, err := call(c.Context(), do, http.MethodGet, "/doctor", nil, header, nil)
				if err != nil {
					return err
				}
				var found api.Checkup
				if err := json.Unmarshal(text, &found); err != nil {
					return err
				}
				if f.json {
					if _, err := p.Stdout.Write(text); err != nil {
						return err
					}
				} else {
					showFindings(p.Stdout, found.Findings)
				}
				return verdict(found.Findings)
			})
		},
	}
	f.add(c)
	return c
}

// language is what the person at the terminal reads.
func language(p Process) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v, ok := p.LookupEnv(name); ok && v != "" {
			if strings.HasPrefix(v, "zh") {
				return "zh-CN"
			}
			return "en"
		}
	}
	return "en"
}

func showFindings(w io.Writer, all []api.Finding) {
	for _, f := range all {
		fmt.Fprintf(w, "%-4s  %s: %s\n", strings.ToUpper(f.Level), plainText(f.Title), plainText(f.Detail))
		if f.Fix != "" {
			fmt.Fprintf(w, "      -> %s\n", plainText(f.Fix))
		}
	}
}

// plainText leaves out what would move the cursor: details hold what others sent.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

func verdict(all []api.Finding) error {
	failed := 0
	for _, f := range all {
		if f.Level == "fail" {
			failed++
		}
	}
	switch failed {
	case 0:
		return nil
	case 1:
		return errors.New("one thing does not work or is not safe")
	}
	return fmt.Errorf("%d things do not work or are not safe", failed)
}
