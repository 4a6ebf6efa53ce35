"""Every function under `sam local`, in a real container, against the embedded stack."""
