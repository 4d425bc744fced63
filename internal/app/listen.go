package app

import (
	"context"
	"fmt"
	"net"
)

// Listen opens the address the server will answer on, for example "127.0.0.1:9009";
// port 0 takes a free one.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}
