FROM alpine


   
	
