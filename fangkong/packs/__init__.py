"""Rule packs: law and guidance as dated data. The lowest room; it imports no Django."""
