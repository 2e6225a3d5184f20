"""Sources of pictures: image files, video files, cameras."""
