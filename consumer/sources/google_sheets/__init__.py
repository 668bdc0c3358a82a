"""Google Sheets: one worksheet of a spreadsheet, read through the API in ranges."""
