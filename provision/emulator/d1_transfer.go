package emulator

func (s *Server) registerD1Transfer() {}

type transfers struct{}
