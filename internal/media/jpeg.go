package media

import (
	"bytes"
	"encoding/binary"
)

// Markers of a JPEG file, ITU-T T.81 table B.1.
const (
	jpegEOI     = 0xd9
	jpegSOS     = 0xda
	jpegTEM     = 0x01
	jpegRST0    = 0xd0
	jpegRST7    = 0xd7
	jpegAPP0    = 0xe0
	jpegAPP1    = 0xe1
	jpegAPP2    = 0xe2
	jpegAPP14   = 0xee
	jpegAPP15   = 0xef
	jpegComment = 0xfe
)

// stripJPEG keeps the coded picture, its colours and which side is up.
func stripJPEG(b []byte) ([]byte, error) {
	out := append(make([]byte, 0, len(b)), b[:2]...)
	for b = b[2:]; len(b) >= 2 && b[0] == 0xff; {
		marker := b[1]
		switch {
		case marker == 0xff: // fill
			b = b[1:]
			continue
		case marker == jpegEOI:
			return append(out, b[:2]...), nil
		case marker == jpegTEM || marker >= jpegRST0 && marker <= jpegRST7:
			out, b = append(out, b[:2]...), b[2:]
			continue
		}
		if len(b) < 4 {
			break
		}
		size := 2 + int(binary.BigEndian.Uint16(b[2:]))
		if size < 4 || size > len(b) {
			break
		}
		if marker == jpegSOS {
			size += scan(b[size:])
		}
		out, b = append(out, segment(marker, b[:size])...), b[size:]
	}
	return nil, errBroken
}

// scan is the length of coded data: up to a marker that does not belong to it.
func scan(b []byte) int {
	for i := 0; i+1 < len(b); i++ {
		if b[i] != 0xff {
			continue
		}
		if next := b[i+1]; next != 0 && next != 0xff && (next < jpegRST0 || next > jpegRST7) {
			return i
		}
	}
	return len(b)
}

// segment returns what to keep of one.
func segment(marker byte, s []byte) []byte {
	data := s[4:]
	switch {
	case marker == jpegAPP1:
		return upright(data)
	case marker == jpegAPP0 && bytes.HasPrefix(data, []byte("JFIF\x00")),
		marker == jpegAPP2 && bytes.HasPrefix(data, []byte("ICC_PROFILE\x00")),
		marker == jpegAPP14 && bytes.HasPrefix(data, []byte("Adobe")):
		return s
	case marker >= jpegAPP0 && marker <= jpegAPP15, marker == jpegComment:
		return nil
	}
	return s
}

// upright returns an Exif segment with the orientation in data and nothing else, or
// nothing when data has none. Without it pictures of phones would lie on their side.
func upright(data []byte) []byte {
	tiff, ok := bytes.CutPrefix(data, []byte("Exif\x00\x00"))
	if !ok || len(tiff) < 8 {
		return nil
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return nil
	}
	fields := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(fields) < 12 {
			return nil
		}
		const orientation = 0x0112
		if side := order.Uint16(fields[8:]); order.Uint16(fields) == orientation && side > 1 && side <= 8 {
			return append([]byte("\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"),
				byte(side), 0, 0, 0, 0, 0, 0)
		}
		fields = fields[12:]
	}
	return nil
}
