"""What the miniature worlds are drawn of: a pen, traits of classes, figures and scenery."""
