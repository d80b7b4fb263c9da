module info.example/peer

go 1.21
