"""What faults are made with: database clusters, frozen groups of processes, small disks, networks, false clocks."""
