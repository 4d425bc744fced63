package media

import (
	"encoding/binary"
	"slices"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

// kept are the parts of PNG and WebP files that carry pixels, colours and movement.
func kept(name string) bool {
	return slices.Contains([]string{
		"IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "cICP", "sBIT", "pHYs", "bKGD",
		"acTL", "fcTL", "fdAT",
		"VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "ICCP",
	}, name)
}

// stripPNG keeps chunks: length, name, data, checksum. https://www.w3.org/TR/png-3/#5
func stripPNG(b []byte) ([]byte, error) {
	out := append(make([]byte, 0, len(b)), pngMagic...)
	for b = b[len(pngMagic):]; len(b) >= 12; {
		size := int64(binary.BigEndian.Uint32(b)) + 12
		if size > int64(len(b)) {
			break
		}
		name := string(b[4:8])
		if kept(name) {
			out = append(out, b[:size]...)
		}
		if name == "IEND" {
			return out, nil
		}
		b = b[size:]
	}
	return nil, errBroken
}

// Flags of a VP8X chunk.
const (
	webpXMP  = 0x04
	webpExif = 0x08
)

// stripWebP keeps chunks: name, length, data, filled up to an even length.
// https://developers.google.com/speed/webp/docs/riff_container
func stripWebP(b []byte) ([]byte, error) {
	end := int64(binary.LittleEndian.Uint32(b[4:])) + 8
	if end > int64(len(b)) {
		return nil, errBroken
	}
	out := append(make([]byte, 0, end), b[:12]...)
	for b = b[12:end]; len(b) >= 8; {
		size := int64(binary.LittleEndian.Uint32(b[4:])) + 8
		size += size & 1
		if size > int64(len(b)) {
			return nil, errBroken
		}
		if name := string(b[:4]); kept(name) {
			at := len(out)
			out = append(out, b[:size]...)
			if name == "VP8X" && size > 8 {
				out[at+8] &^= webpXMP | webpExif
			}
		}
		b = b[size:]
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8)) //nolint:gosec // at most MaxSize
	return out, nil
}
