"""Daily reports of stock (物资进销存日报): what each county had, got and gave away on a day."""
