/** The way in: puts the page together. */
const page = document.querySelector("#page");
if (page) page.textContent = "taglet";
