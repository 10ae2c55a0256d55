{{ config(tags=["after_ml"]) }} {{ model_rows("churn_scores") }}
